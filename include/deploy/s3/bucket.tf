# A bucket that keeps evidence write-once, and the policies of who writes, reads and audits it.
#
# The bucket sets no default retention: the package locks every object itself, for `archive.retention_days` of its policy,
# and reads the lock back. COMPLIANCE locks cannot be lifted by anybody, the account's owner included.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "bucket" {
  description = "Name of the bucket"
  type        = string
}

variable "prefix" {
  description = "Prefix of the archive, as in artifacts.uri: s3://BUCKET/PREFIX"
  type        = string
  default     = "prod"
}

resource "aws_kms_key" "evidence" {
  description             = "Evidence of model governance"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_s3_bucket" "evidence" {
  bucket              = var.bucket
  object_lock_enabled = true

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "evidence" {
  bucket = aws_s3_bucket.evidence.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "evidence" {
  bucket = aws_s3_bucket.evidence.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.evidence.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "evidence" {
  bucket                  = aws_s3_bucket.evidence.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "evidence" {
  bucket = aws_s3_bucket.evidence.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# Only what is no evidence may expire: canaries of `model-governance doctor`, the index, parts of broken uploads.
resource "aws_s3_bucket_lifecycle_configuration" "evidence" {
  bucket = aws_s3_bucket.evidence.id

  dynamic "rule" {
    for_each = toset(["doctor", "index"])

    content {
      id     = "expire-${rule.value}"
      status = "Enabled"

      filter {
        prefix = "${var.prefix}/v1/${rule.value}/"
      }

      expiration {
        days = rule.value == "doctor" ? 7 : 400
      }

      noncurrent_version_expiration {
        noncurrent_days = 7
      }
    }
  }

  rule {
    id     = "abort-broken-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "evidence" {
  bucket = aws_s3_bucket.evidence.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyTLS"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.evidence.arn, "${aws_s3_bucket.evidence.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

# Attach `writer` to the workers of Airflow, `reader` to its API server, `auditor` to people who verify.
resource "aws_iam_policy" "role" {
  for_each = toset(["writer", "reader", "auditor"])

  name = "${var.bucket}-${each.value}"
  policy = templatefile("${path.module}/${each.value}.json", {
    bucket  = var.bucket
    prefix  = var.prefix
    kms_key = aws_kms_key.evidence.arn
  })
}

output "artifacts" {
  description = "The block `artifacts` of a policy"
  value = {
    uri        = "s3://${var.bucket}/${var.prefix}"
    encryption = "kms"
    kms_key    = aws_kms_key.evidence.arn
  }
}

output "policies" {
  description = "ARN of each role's policy"
  value       = { for name, policy in aws_iam_policy.role : name => policy.arn }
}
