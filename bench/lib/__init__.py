"""What every benchmark script needs: programs started and ended, load run, results told."""
