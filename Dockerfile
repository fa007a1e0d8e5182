# SPDX-License-Identifier: Apache-2.0
# lucid in a container: builds the Debian package, and installs it in a small image.
#   docker build -t lucid .
#   docker run --rm -v "$PWD:/data" -u "$(id -u)" lucid generate --preset draft "a hamburger"
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates make git
WORKDIR /src
COPY tools/setup_debian.sh tools/install_missing.sh tools/
RUN tools/setup_debian.sh
COPY . .
RUN make package && mv build/lucid_*.deb /lucid.deb

FROM ${BASE}
RUN --mount=type=bind,from=build,source=/lucid.deb,target=/tmp/lucid.deb \
    apt-get update -qq && apt-get install -y -qq --no-install-recommends /tmp/lucid.deb && rm -rf /var/lib/apt/lists/* && \
    useradd --uid 1000 --create-home lucid && install -d -o lucid -g lucid /data
USER 1000
WORKDIR /data
EXPOSE 8080
ENTRYPOINT ["lucid"]
