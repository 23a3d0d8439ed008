"""Set-ups that are known to be sick and set-ups that are known to be healthy, for the doctor."""
