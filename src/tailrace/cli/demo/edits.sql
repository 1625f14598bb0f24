-- A day in the shop: new customers, upgrades, new orders, people who left, and two mistakes.
INSERT INTO customers
SELECT i, 'new.' || i || '@example.com', 'Newton', 'GB', 'basic' FROM range(3001, 3041) AS numbers(i);

UPDATE customers SET plan = 'pro' WHERE id % 120 = 7 AND plan = 'basic';

INSERT INTO orders
SELECT 8000 + i, 1 + (i * 977) % 3000, 19.90, DATE '2026-01-02' FROM range(1, 61) AS numbers(i);

DELETE FROM customers WHERE id % 200 = 3 AND id <= 3000;

-- A key that cannot be used: this row is set aside, and holds up no other.
INSERT INTO customers VALUES (NULL, 'nobody@example.com', 'Nobody', 'US', 'basic');

-- An address that the receiver refuses.
UPDATE customers SET email = 'ada.at.example.com' WHERE id = 42;
