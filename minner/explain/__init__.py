"""Looking inside the model: traces, interventions, and the page that shows both."""
