"""What people do with a picture: its buttons, modals and context menus."""
