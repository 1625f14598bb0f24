"""How documents look to people: functions from a document to something the terminal can print."""
