# syntax=docker/dockerfile:1
# One image for all functions and jobs, because stage plans and merge renders with the same FFmpeg.
#
# It contains our four programs, ffmpeg, ffprobe and tesseract of Debian 13 with their libraries,
# two languages for tesseract, and certificates. It has no shell, no package manager, and one user.
# The release names both bases by digest, which it resolves (cloudbuild.yaml, step base): a tag can
# move. Without digests, "docker build ." takes the tags.

ARG GO_DIGEST
ARG DEBIAN_DIGEST

FROM golang:1.26-trixie${GO_DIGEST:+@${GO_DIGEST}} AS programs
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY functions functions
COPY jobs jobs
COPY pkg pkg
ENV CGO_ENABLED=0 GOFLAGS=-mod=readonly
RUN mkdir /merger && go build -trimpath -buildvcs=false -ldflags='-s -w' -o /merger/ ./functions/serve ./jobs/merge ./jobs/migrate ./jobs/local

FROM debian:trixie-slim${DEBIAN_DIGEST:+@${DEBIAN_DIGEST}} AS root
# Debian publishes fixes between two base images. A cached layer of another day would not have them.
ARG DAY
RUN apt-get update && apt-get upgrade -y && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    ffmpeg tesseract-ocr tesseract-ocr-rus ca-certificates
COPY scripts/image-root /
RUN /image-root /image

FROM scratch
COPY --from=root /image /
COPY --from=programs /merger /merger
ENV PATH=/usr/bin LANG=C.UTF-8 HOME=/tmp
# Numbers, because the image cannot look names up.
USER 65532:65532
ENTRYPOINT ["/merger/serve"]
