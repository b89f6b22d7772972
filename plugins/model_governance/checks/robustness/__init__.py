"""Checks of robustness: evasion attacks and corrupted inputs."""
