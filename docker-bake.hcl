# Images of this project: `docker buildx bake` builds the frontend.

variable "TAG" {
  default = "localhost/longshore:dev"
}

group "default" {
  targets = ["frontend"]
}

target "frontend" {
  dockerfile = "Dockerfile.frontend"
  tags       = [TAG]
}

# The published image: both Linux architectures, with what supply-chain tools ask for.
target "release" {
  inherits  = ["frontend"]
  platforms = ["linux/amd64", "linux/arm64"]
  attest    = ["type=provenance,mode=max", "type=sbom"]
}
