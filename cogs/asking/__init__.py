"""From what somebody types to requests: /imagine, its options, styles and defaults."""
