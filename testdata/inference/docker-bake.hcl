# `docker buildx bake` builds all three images in one go; what they share is compiled once.

target "default" {
  name       = bin
  matrix     = { bin = ["server", "gateway", "infer"] }
  dockerfile = "Cargo.toml"
  target     = bin
  tags       = ["inference/${bin}"]
}
