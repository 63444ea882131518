# Two commands are enough to begin: `make demo` shows what this is, `make test` proves that it works.
# Each installs what it needs. `make` alone lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.PHONY: help build demo test lint check race kills chaos load fuzz long debian13 image bench simulate clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/local
	@go build -trimpath -buildvcs=false -o bin/local ./jobs/local

demo: ## a room's afternoon from its calendar to the video on (a stand-in of) Drive; KEEP=1 keeps serving
	@scripts/setup ffmpeg tesseract curl
	@$(MAKE) build
	@scripts/demo

test: ## run the tests (minutes)
	@scripts/setup ffmpeg tesseract chromium axe-core mariadb
	go test -short -timeout 30m ./...

lint: ## formatting, vet, golangci-lint, shellcheck, go.mod, known vulnerabilities
	@scripts/setup shellcheck golangci-lint
	@scripts/lint

check: race kills long fuzz ## what takes longer: the race detector, kills, long tests, fuzzing, FFmpeg 7.1, the image
	@CHECK_DEBIAN13=try scripts/debian13
	@CHECK_DEBIAN13=try scripts/image-test

# Without what counts pixels in one goroutine: there the race detector finds nothing, ten times as slowly.
RACE_SKIP := /pkg/(presence|ocr|localcloud/recorder.*)$$
RACE_SKIP_TESTS := ^TestPanes$$|^TestByHand$$|^TestChaos$$|^TestSoundFallsBack$$|^TestFaults$$/^(cut_|garbage|HEVC|no_sound|sound_|zero_bytes|another_size|a_change_of_size|the_decoder)

race: # the race detector needs a C compiler
	@scripts/setup ffmpeg tesseract chromium axe-core mariadb gcc
	go test -race -short -timeout 50m -skip '$(RACE_SKIP_TESTS)' $$(go list ./... | grep -vE '$(RACE_SKIP)')

kills: # the merge killed at twenty moments, FFmpeg killed under it; serve, its functions and tasks
	@scripts/setup ffmpeg tesseract
	go test -run 'TestMerge/^(killed|encoder_killed)$$|^TestServeKilled$$|^TestImageEntry$$' -timeout 30m ./jobs/local

long: # what `make test` leaves out
	@scripts/setup ffmpeg tesseract chromium axe-core mariadb
	go test -timeout 30m ./pkg/localcloud/... ./pkg/pipeline ./pkg/presence ./pkg/store ./pkg/web ./pkg/workspace ./terraform
	go test -run '^(TestSlicesGiveTheSame|TestLoudness|TestSoundIsOfOneEncode|TestTimeOfSources)$$' -timeout 30m ./pkg/merge

chaos: ## 200 records while processes are killed, messages doubled, Google's answers faulty; RECORDS, KILLS, SEED, DATABASE=mysql (killed, too)
	@scripts/setup ffmpeg tesseract mariadb
	CHAOS_RECORDS=$(or $(RECORDS),200) CHAOS_KILLS=$(or $(KILLS),100) CHAOS_SEED=$(or $(SEED),$(shell date +%s)) CHAOS_DATABASE=$(DATABASE) \
		go test -run '^TestChaos$$' -count 1 -timeout 6h -v ./jobs/local

load: ## 5,000 records through the pipeline, only rendering faked: docs/load-pipeline.svg (half an hour); RECORDS
	@scripts/setup ffmpeg
	LOAD_RECORDS=$(or $(RECORDS),5000) go test -run '^TestLoad$$' -count 1 -timeout 6h -v ./jobs/local

fuzz:
	@scripts/fuzz 30s

debian13: ## the engine's tests on the FFmpeg of Debian 13 (7.1)
	@scripts/debian13

image: ## what the Dockerfile builds, made in a Debian 13 root and tried there
	@scripts/image-test

bench: ## what a merge costs against other ways (docs/cost.md), and the other benchmarks
	@scripts/setup ffmpeg
	go test -run '^$$' -bench . -benchtime 1x -p 1 -timeout 60m ./...

simulate: ## weeks of 20 to 20,000 rooms under Google's quotas, with our own claim: docs/simulation.md (minutes); ONLY=campus
	@go run ./jobs/simulate $(ONLY)

clean: ## remove what the other targets made here
	rm -rf bin demo .cache
