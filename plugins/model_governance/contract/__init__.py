"""What every room speaks: check, result, subject, model, threat model. No I/O; no array library is imported with it."""
