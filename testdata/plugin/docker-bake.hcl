target "default" {
  tags = ["plugin"]
}
