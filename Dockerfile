# The agent as a container image. The build needs no network: scripts/make-image-root makes what goes in.
#
#   scripts/make-image-root /tmp/image/root
#   docker build -t ecs-containerd-agent -f Dockerfile /tmp/image
#
# How to run it: docs/install.md, "As a container".
FROM scratch
COPY root/ /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s CMD ["/usr/libexec/ecs-containerd-agent/ecs-agent", "-healthcheck"]
ENTRYPOINT ["/usr/libexec/ecs-containerd-agent/ecs-agent"]
