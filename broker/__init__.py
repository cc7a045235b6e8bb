"""One outbound call with the owner's own key: checked, booked, made, cut, and written down."""
