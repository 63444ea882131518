output "name" {
  description = "Name of the service."
  value       = google_cloud_run_v2_service.this.name
}

output "uri" {
  description = "Address of the service."
  value       = google_cloud_run_v2_service.this.uri
}

output "topic" {
  description = "The topic that starts it, if it has one."
  value       = one(google_pubsub_topic.this[*].id)
}

output "image" {
  description = "The image of the service."
  value       = google_cloud_run_v2_service.this.template[0].containers[0].image
}
