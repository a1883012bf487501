"""What a permit is: model, numbers, quantities, events, status. Pure; knows nothing of XML signatures or stores."""
