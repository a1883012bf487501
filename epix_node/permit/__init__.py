"""What a permit is: its model, numbers, quantities, events and status. Pure; knows nothing of XML signatures or stores."""
