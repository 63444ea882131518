# Cloud SQL for MySQL: the table `records`, which the NVR uses too, and the tables of NVR Merger.

locals {
  # The most connections that the components can hold: 4 an instance, 2 a task.
  connections = 4 * local.most_instances + 2 * var.max_merges * var.merge_parallelism
}

resource "random_id" "database" {
  byte_length = 2 # the name of a deleted instance cannot be used again for a week
}

resource "google_sql_database_instance" "this" {
  name                = "nvr-${random_id.database.hex}"
  database_version    = "MYSQL_8_4"
  deletion_protection = var.deletion_protection

  settings {
    edition                     = "ENTERPRISE"
    tier                        = var.database.tier
    availability_type           = var.database.standby ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = var.database.disk_gb
    disk_autoresize             = true
    disk_autoresize_limit       = var.database.disk_limit_gb
    deletion_protection_enabled = var.deletion_protection
    retain_backups_on_delete    = true
    connector_enforcement       = var.database_connectors_only ? "REQUIRED" : "NOT_REQUIRED"

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.this.id
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      binary_log_enabled             = true # for recovery to a point in time
      start_time                     = "01:00"
      transaction_log_retention_days = 7
      backup_retention_settings {
        retained_backups = var.database.backup_days
      }
    }

    maintenance_window {
      day          = 7
      hour         = 2
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled  = true
      record_client_address   = false
      record_application_tags = false
    }

    dynamic "database_flags" {
      for_each = {
        cloudsql_iam_authentication = "on"
        character_set_server        = "utf8mb4"
        default_time_zone           = "+00:00"
        max_connections             = tostring(var.database.max_connections)
        slow_query_log              = "on"
        long_query_time             = "2"
        log_output                  = "FILE"
        local_infile                = "off" # no client loads files of its own machine
        skip_show_database          = "on"  # a user does not see the names of other databases
      }
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  lifecycle {
    ignore_changes = [settings[0].disk_size] # it grows by itself

    precondition {
      condition     = local.connections < var.database.max_connections - 20
      error_message = "Instances and tasks can open ${local.connections} connections: raise database.max_connections, or lower instances, max_merges or merge_parallelism."
    }
  }

  depends_on = [google_service_networking_connection.database]
}

resource "google_sql_database" "nvr" {
  name            = "nvr"
  instance        = google_sql_database_instance.this.name
  charset         = "utf8mb4"
  deletion_policy = "ABANDON" # it is deleted with the instance only
}

# Components sign in with their accounts (IAM), without passwords. The job migrate grants each its
# rights in the database, so its user has the right to grant. The NVR's user has a password and is
# created by hand: docs/joining-nvr.md.
resource "google_sql_user" "component" {
  for_each = local.database_users

  name           = google_service_account.component[each.key].email
  instance       = google_sql_database_instance.this.name
  type           = "CLOUD_IAM_SERVICE_ACCOUNT"
  database_roles = each.key == "migrate" ? ["cloudsqlsuperuser"] : null

  deletion_policy = "ABANDON" # an owner of objects cannot be dropped
}
