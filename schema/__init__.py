"""What a client can see: types, inputs, enums, scalars, and how each is made from what we hold."""
