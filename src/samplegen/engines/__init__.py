"""Where shards are made: processes of this machine."""
