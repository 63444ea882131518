output "form" {
  description = "The web form."
  value       = module.form.uri
}

output "api" {
  description = "The API, for the NVR's clients and for calendar notifications."
  value       = module.api.uri
}

output "delegation_scopes" {
  description = "To paste into the Admin console (Security, API controls, Domain-wide delegation): client id => scopes, separated by commas."
  value = {
    for who, scopes in local.delegation : who => {
      client_id = google_service_account.component[who].unique_id
      scopes    = join(",", scopes)
    }
  }
}

output "segments_bucket" {
  description = "Where the recorders put their files: ROOM/YYYY-MM-DD/NAME.mp4."
  value       = google_storage_bucket.segments.name
}

output "database" {
  description = "The database instance, as connectors name it, and its private address."
  value = {
    connection = google_sql_database_instance.this.connection_name
    address    = google_sql_database_instance.this.private_ip_address
  }
}

output "image" {
  description = "The deployed image, or Google's sample before the first build. scripts/apply and scripts/release read it."
  value       = module.form.image # of a service, so that it also changes where only services are applied
}

output "image_name" {
  description = "Where the build puts images, without tag and digest."
  value       = local.image_name
}

output "build" {
  description = "The substitutions of a build by hand, as `gcloud builds submit` takes them."
  value       = join(",", [for name, value in local.substitutions : "${name}=${value}"])
}
