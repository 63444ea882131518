# Start with `make demo` and `make test`. Each installs what it needs. `make` alone lists all targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.PHONY: help build demo test lint check race kills chaos abuse load fuzz long debian13 image bench simulate clean

# Without cgo no C compiler is needed, and all targets share what was compiled.
export CGO_ENABLED := 0

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# -buildvcs=false keeps builds equal in a copy without git, so that the version comes from here. Empty without git.
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT = $(shell git rev-parse HEAD 2>/dev/null)
DATE = $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS = -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)

build: ## build bin/local
	@go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/local ./jobs/local

demo: ## make a video of an event in a calendar, with stand-ins for Google; KEEP=1 keeps serving
	@scripts/setup ffmpeg tesseract curl
	@$(MAKE) build
	@scripts/demo

test: ## run the tests (minutes)
	@scripts/setup ffmpeg tesseract pocketsphinx chromium axe-core mariadb
	go test -short -timeout 30m ./...

lint: ## check formatting, vet, golangci-lint, shellcheck, go.mod, known vulnerabilities
	@scripts/setup shellcheck golangci-lint
	@scripts/lint

check: race kills abuse long fuzz ## run the longer checks: race detector, kills, long tests, fuzzing, FFmpeg 7.1, image
	@CHECK_DEBIAN13=try scripts/debian13
	@CHECK_DEBIAN13=try scripts/image-test

# Code that parses or counts in one goroutine has no races, and the race detector makes it ten times as
# slow. Of the tests that run whole merges, those remain that start, stop and fail them concurrently. A child
# that is this program itself does not fit into a memory limit with it (WhisperFails).
RACE_SKIP := /pkg/(align|bitstream|interlace|mp4|ocr|presence|simulate|localcloud/recorder.*)$$
RACE_SKIP_MERGES := ^Test(Clocks|Loudness|PlanReadBackRendersTheSame|Policies|SoundBeforePictures|SoundIsOfOneEncode|StartWithoutKeyFrame|Panes|File|SoundFallsBack|WaveringTimestamps|TimeOfSources|SlicesGiveTheSame|ReadAgreesWithFFmpeg|ReadCraftedAgreesWithFFmpeg|SampleWithEveryFault|ReadsWhatIsNeeded|ByHand|Chaos|PlaysInABrowser|TheReadmesCommands|MergeSpeech|WhisperFails|Words|Interleavings)$$
RACE_SKIP_KINDS := ^Test(ClockDrift|EarsDiffer|Interlaced|IntraRefresh|KeyFrameTableLies|Kinds|LoudnessMissed|ManyChannels|NamedRateIsWrong|OneEar|PictureTracks|Progressive|SamplesWithoutAPicture|SBR|Shapes|SlicesJoin|KeptGain|SoundTracks|SoundWithoutSpeech|Spoiled(Again|Parts|Pictures)|Stage|Stills|TrimReusesParts|VoiceBeginsAfterGap|Withheld)$$
RACE_SKIP_FAULTS := ^TestFaults$$/^(a_|another_size|cut_|fragmented|garbage|HEVC|no_sound|one_|only_|sound_|the_decoder|timestamps_|two_files|zero_bytes)
RACE_SKIP_TESTS := $(RACE_SKIP_MERGES)|$(RACE_SKIP_KINDS)|$(RACE_SKIP_FAULTS)|^TestMerge$$/^(names|folders_and_links|damaged_parts|changed_while_merging|full_disk|plan)$$

race: # the race detector needs a C compiler
	@scripts/setup ffmpeg tesseract pocketsphinx chromium axe-core mariadb gcc
	CGO_ENABLED=1 go test -race -short -timeout 50m -skip '$(RACE_SKIP_TESTS)' $$(go list ./... | grep -vE '$(RACE_SKIP)')

kills: # the merge killed at twenty moments, FFmpeg killed under it; serve, its functions and tasks
	@scripts/setup ffmpeg tesseract
	go test -run 'TestMerge/^(killed|encoder_killed|terminated)$$|^TestReadsWhatIsNeeded$$|^TestServeKilled$$|^TestServeOptOuts$$|^TestChaos$$|^TestImageEntry$$' -timeout 30m ./jobs/local

long: # the tests that `make test` skips
	@scripts/setup ffmpeg tesseract pocketsphinx chromium axe-core mariadb
	go test -timeout 30m ./pkg/localcloud/{google,state,storage} ./pkg/pipeline ./pkg/presence ./pkg/speech ./pkg/store ./pkg/web ./pkg/workspace ./terraform
	go test -run '^(TestFaultsOfTheSameKinds|TestSlicesGiveTheSame|TestLoudness|TestSoundIsOfOneEncode|TestStalledDecoder|TestTimeOfSources)$$' -timeout 30m ./pkg/merge

chaos: ## process 200 records under kills, doubled messages and faults; RECORDS, KILLS, SEED, DATABASE=mysql
	@scripts/setup ffmpeg tesseract mariadb
	CHAOS_RECORDS=$(or $(RECORDS),200) CHAOS_KILLS=$(or $(KILLS),100) CHAOS_SEED=$(or $(SEED),$(shell date +%s)) CHAOS_DATABASE=$(DATABASE) \
		go test -run '^TestChaos$$' -count 1 -timeout 6h -v ./jobs/local

abuse: ## attack: malformed requests, slow readers, bombs, odd names, races (90 s)
	@scripts/setup ffmpeg tesseract mariadb
	@scripts/abuse

load: ## process 5,000 records with faked rendering (half an hour), write docs/load-pipeline.svg; RECORDS
	@scripts/setup ffmpeg
	LOAD_RECORDS=$(or $(RECORDS),5000) go test -run '^TestLoad$$' -count 1 -timeout 6h -v ./jobs/local

fuzz:
	@scripts/fuzz 12s

debian13: ## run the engine's tests on the FFmpeg of Debian 13 (7.1)
	@scripts/debian13

image: ## build the image in a Debian 13 root, and try it there
	@scripts/image-test

bench: ## run the benchmarks: the cost of a merge (docs/cost.md), memory, latency
	@scripts/setup ffmpeg
	go test -run '^$$' -bench . -benchtime 1x -p 1 -timeout 60m ./...

simulate: ## simulate weeks of 20 to 20,000 rooms under Google's quotas (docs/simulation.md, minutes); ONLY=campus
	@go run ./jobs/simulate $(ONLY)

clean: ## remove the output of the other targets
	rm -rf bin demo .cache
