group "default" {
  targets = ["api", "worker"]
}

target "api" {
  target = "api"
  tags   = ["orders/api"]
}

target "worker" {
  target = "worker"
  tags   = ["orders/worker"]
}
