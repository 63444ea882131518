output "name" {
  description = "The service."
  value       = google_cloud_run_v2_service.this.name
}

output "uri" {
  description = "Its address."
  value       = google_cloud_run_v2_service.this.uri
}

output "topic" {
  description = "The topic that wakes it, if it has its own."
  value       = one(google_pubsub_topic.this[*].id)
}

output "image" {
  description = "The image it runs."
  value       = google_cloud_run_v2_service.this.template[0].containers[0].image
}
