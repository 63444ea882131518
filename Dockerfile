# syntax=docker/dockerfile:1
# ONE image for all functions and jobs: stage writes the plan that merge reads, with the same FFmpeg.
#
# It holds our four programs; ffmpeg, ffprobe and tesseract of Debian 13 with the libraries they load;
# the words of two languages; certificates. No shell, no package manager, no other user than its own.
# Both bases come by digest, which the build resolves (cloudbuild.yaml, step base): a tag can move.

ARG GO_DIGEST
ARG DEBIAN_DIGEST

FROM golang@${GO_DIGEST} AS programs
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY functions functions
COPY jobs jobs
COPY pkg pkg
ENV CGO_ENABLED=0 GOFLAGS=-mod=readonly
RUN mkdir /merger && go build -trimpath -buildvcs=false -ldflags='-s -w' -o /merger/ ./functions/serve ./jobs/merge ./jobs/migrate ./jobs/local

FROM debian@${DEBIAN_DIGEST} AS root
# Debian closes holes between two bases: a layer that was kept from another day would still have them.
ARG DAY
RUN apt-get update && apt-get upgrade -y && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    ffmpeg tesseract-ocr tesseract-ocr-rus ca-certificates
COPY scripts/image-root /
RUN /image-root /image

FROM scratch
COPY --from=root /image /
COPY --from=programs /merger /merger
ENV PATH=/usr/bin LANG=C.UTF-8 HOME=/tmp
# As numbers: there is nothing in the image that could look names up, and Cloud Run need not either.
USER 65532:65532
ENTRYPOINT ["/merger/serve"]
