# A university of 1,000 rooms: about 3,000 lectures on a working day.

project        = "nvr-merger-large-example"
project_number = "210987654321"
region         = "europe-west1"
state_bucket   = "nvr-merger-large-example-terraform"

scheduler_region = "europe-west1"
build_region     = "europe-west1"

form_users = ["group:teachers@example.org", "group:av-team@example.org"]
operators  = ["av-team@example.org", "on-call@example.org"]
recorders  = ["serviceAccount:recorder@nvr-example.iam.gserviceaccount.com"]

drive_subject      = "recordings@example.org"
drive_uploaders    = ["upload-1@example.org", "upload-2@example.org", "upload-3@example.org", "upload-4@example.org", "upload-5@example.org", "upload-6@example.org", "upload-7@example.org", "upload-8@example.org", "upload-9@example.org", "upload-10@example.org", "upload-11@example.org", "upload-12@example.org", "upload-13@example.org", "upload-14@example.org", "upload-15@example.org", "upload-16@example.org"]
calendar_subject   = "recordings@example.org"
calendar_requester = ""
classroom_subject  = ""
drive_folder       = ""
courses            = {}

time_zone      = "Europe/Moscow"
language       = "ru"
leveler        = "on"
segment_length = "30m"
slice          = "10m"

retention_days = 14
spare_days     = 3
work_days      = 7

max_merges        = 190
merge_parallelism = 8
merge_cpu         = 4
merge_memory      = "4Gi"
instances         = { form = 10, api = 10, calendar = 4, stage = 40, upload = 40, link = 10 }
network_range     = "10.20.0.0/19"
rate_limit        = 50
open_records      = 50
request_policy    = "domain"
layout            = "side"
share_domains     = [] # those of the accounts above

database = {
  tier            = "db-custom-4-15360"
  disk_gb         = 50
  disk_limit_gb   = 500
  standby         = true
  max_connections = 3700
  backup_days     = 30
}
database_connectors_only = false
nvr_user                 = "nvr"
deletion_protection      = true

webhook = ""
smtp    = null
zulip   = ""

repository     = ""
variables_file = "terraform/examples/large.tfvars"
source_url     = "https://github.com/nvr-miem/merger/blob/main"
