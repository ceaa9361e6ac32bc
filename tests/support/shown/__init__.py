"""Task types for runs whose screens are looked at: they hold still until a test lets them go on."""
