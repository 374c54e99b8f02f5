# syntax=docker/dockerfile:1

# The binary is static, holds the time zone database itself, and needs the
# system's CA roots at /etc/ssl/certs alone.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/watchword ./cmd/watchword \
 && install -d -m 0700 /out/state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/watchword /watchword
COPY --from=build --chown=65532:65532 /out/state /var/lib/watchword

USER 65532:65532
ENV STATE_DIRECTORY=/var/lib/watchword
VOLUME /var/lib/watchword
EXPOSE 9780
ENTRYPOINT ["/watchword"]
CMD ["run", "-c", "/etc/watchword"]
