module github.com/nvr-miem/merger

go 1.26.0

require golang.org/x/sys v0.36.0
