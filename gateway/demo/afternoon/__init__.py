"""The demo's afternoon: mail, telephone, texts, a website and a chatbot, between two CRMs."""
