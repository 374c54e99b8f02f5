check "health" {
  shedule = "@every 1m"
  request { url = "https://a.example/health" }
}
