terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.45"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
    time = {
      source  = "hashicorp/time"
      version = "~> 0.13"
    }
  }

  # scripts/apply names the bucket at init; a backend cannot use variables.
  backend "gcs" {
    prefix = "nvr-merger"
  }
}

provider "google" {
  project = var.project
  region  = var.region

  default_labels = { app = "nvr-merger" }
}
