# The bot in a container, built from this repository alone:
#   docker build -t atelier .                            for the CPU
#   docker build -t atelier --build-arg TORCH=cu128 .    for NVIDIA cards; cu126 before the GTX 16 series
# compose.yaml runs it; docs/owners.md says how.

FROM python:3.11-slim-bookworm AS build
# Which of PyTorch's builds: cpu, cu126, cu128, rocm6.4, xpu.
ARG TORCH=cpu
# Extras of pyproject.toml, such as gguf,bitsandbytes.
ARG EXTRAS=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > requirements.txt \
    && grep '^torch[<>=]' requirements.txt > torch.txt \
    && grep -v '^torch==' constraints.txt > others.txt
RUN python -m venv /venv \
    && /venv/bin/pip install -r torch.txt --index-url "https://download.pytorch.org/whl/${TORCH}" \
    && /venv/bin/pip install -r requirements.txt -c others.txt
COPY bot.py README.md LICENSE ./
COPY cli cli
COPY cogs cogs
COPY engine engine
COPY speech speech
RUN /venv/bin/pip install ".${EXTRAS:+[$EXTRAS]}" -c others.txt

FROM python:3.11-slim-bookworm
# Fonts for the labels of grids, and the compiler with which torch compiles models on a card.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-dejavu-core fonts-wqy-microhei gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home atelier \
    && install -d -o atelier -g atelier /data /models
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/models \
    ATELIER_STORAGE__PATH=/data \
    ATELIER_HEALTH_FILE=/tmp/atelier-health
USER 1000:1000
# config.toml is looked for here; the database and pictures are here, too.
WORKDIR /data
VOLUME ["/data", "/models"]
# The bot's event loop writes the file every 15 seconds once Discord knows it. With [web] there is an
# address in it, where the bot says whether it is well.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10m --retries=2 \
    CMD ["python", "-c", "import os, time, urllib.request as web; file = open(os.environ['ATELIER_HEALTH_FILE']); age = time.time() - os.stat(file.fileno()).st_mtime; address = file.read(); address and web.build_opener(web.ProxyHandler({})).open(address, timeout=8); raise SystemExit(age > 90)"]
ENTRYPOINT ["atelier"]
CMD ["run"]
