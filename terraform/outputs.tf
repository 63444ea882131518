output "form" {
  description = "The web form."
  value       = module.form.uri
}

output "api" {
  description = "The API, for the NVR's clients and for calendar notifications."
  value       = module.api.uri
}

output "delegation_scopes" {
  description = "Entries for the Admin console (Security, API controls, Domain-wide delegation): client id and scopes, separated by commas."
  value = {
    for who, scopes in local.delegation : who => {
      client_id = google_service_account.component[who].unique_id
      scopes    = join(",", scopes)
    }
  }
}

output "segments_bucket" {
  description = "Bucket for the files of the recorders: ROOM/YYYY-MM-DD/NAME.mp4."
  value       = google_storage_bucket.segments.name
}

output "database" {
  description = "Connection name of the database instance, and its private address."
  value = {
    connection = google_sql_database_instance.this.connection_name
    address    = google_sql_database_instance.this.private_ip_address
  }
}

output "image" {
  description = "The deployed image, or Google's sample before the first build. scripts/apply and scripts/release read it."
  value       = module.stage.image # of a service that the build applies
}

output "image_name" {
  description = "Repository of the images, without tag and digest."
  value       = local.image_name
}

output "deploy_substitutions" {
  description = "Substitutions of a deployment that is started by hand, except the tag of its image (docs/install.md)."
  value       = join(",", [for name, value in local.deploy_substitutions : "${name}=${value}"])
}

output "build_substitutions" {
  description = "Substitutions of a build that is started by hand, except its commit (docs/install.md)."
  value       = join(",", [for name, value in local.build_substitutions : "${name}=${value}"])
}
