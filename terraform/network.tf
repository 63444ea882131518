# The network connects services and tasks to the database. Calls of Google's APIs do not use it.

locals {
  # The most instances: those that are set, one of claim, one of standby, two of fail, and a job
  # started by hand.
  most_instances = sum(values(var.instances)) + 5
  # The most addresses that Cloud Run takes: two an instance, and one a task. It keeps the address
  # of a task for seven minutes after the end, twice as long as the task ran.
  addresses = 2 * local.most_instances + 3 * var.max_merges * var.merge_parallelism
}

resource "google_compute_network" "this" {
  name                    = "nvr"
  auto_create_subnetworks = false

  depends_on = [time_sleep.services]
}

resource "google_compute_subnetwork" "this" {
  name                     = "nvr"
  network                  = google_compute_network.this.id
  region                   = var.region
  ip_cidr_range            = var.network_range
  private_ip_google_access = true

  # A sample of the connections shows what a component talked to.
  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "INCLUDE_ALL_METADATA"
  }

  lifecycle {
    precondition {
      condition     = local.addresses <= pow(2, 32 - tonumber(split("/", var.network_range)[1])) - 4 # Google keeps four
      error_message = "Instances and tasks can take ${local.addresses} addresses: give a larger network_range, or lower instances, max_merges or merge_parallelism."
    }
  }
}

# The range of the database's address.
resource "google_compute_global_address" "database" {
  name          = "nvr-database"
  network       = google_compute_network.this.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "database" {
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.database.name]
  deletion_policy         = "ABANDON" # Google refuses to delete it for days after the last database is gone
}
