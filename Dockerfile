# The service and the simulator: one image, one command (alvys-sage), several roles.

# Stage 1: everything into one virtual environment. Compilers and caches, if any, stay behind here.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/alvys-sage
ENV PATH=/opt/alvys-sage/bin:$PATH
WORKDIR /src
# The locked dependencies come first: this layer is built anew only when the lock changes.
COPY requirements.lock requirements-dev.lock ./
RUN pip install --require-hashes -r requirements.lock
# The build backend, with its hashes, from the lock of the development tools, and into a place of its own.
RUN awk '/^[a-z]/ { keep = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } keep' requirements-dev.lock > build.lock \
 && pip install --require-hashes --target /build-tools -r build.lock
COPY . .
RUN PYTHONPATH=/build-tools pip install --no-deps --no-build-isolation .

# Stage 2: what runs.
FROM python:3.12-slim
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin alvys-sage \
 && install -d -o alvys-sage -m 700 /var/lib/alvys-sage
COPY --from=build /opt/alvys-sage /opt/alvys-sage
ENV PATH=/opt/alvys-sage/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER alvys-sage
WORKDIR /home/alvys-sage
# The command line is process 1, without a shell in between, so that SIGTERM reaches it and it can commit what ended.
ENTRYPOINT ["alvys-sage"]
CMD ["--help"]
