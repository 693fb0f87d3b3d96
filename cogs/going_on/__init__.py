"""From a picture, go on: its buttons, the forms behind them, and the menus of any message."""
