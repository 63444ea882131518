output "name" {
  description = "Name of the job."
  value       = google_cloud_run_v2_job.this.name
}

output "image" {
  description = "The image of the job."
  value       = google_cloud_run_v2_job.this.template[0].template[0].containers[0].image
}
