-- A small shop: 3,000 customers and 8,000 orders, the same on every machine.
CREATE TABLE customers (id INTEGER, email VARCHAR, first_name VARCHAR, country VARCHAR, plan VARCHAR);
CREATE TABLE orders (id INTEGER, customer_id INTEGER, total DECIMAL(10, 2), ordered_on DATE);

INSERT INTO customers
SELECT i,
       lower(names[1 + i % len(names)]) || '.' || i || '@example.com',
       CASE WHEN i % 23 = 0 THEN NULL ELSE names[1 + i % len(names)] END,
       countries[1 + (i * 7919) % len(countries)],
       CASE WHEN (i * 104729) % 9973 < 2500 THEN 'pro' ELSE 'basic' END
FROM range(1, 3001) AS numbers(i),
     (SELECT ['Ada', 'Alan', 'Barbara', 'Edsger', 'Grace', 'Hedy', 'Ken', 'Margaret', 'Radia'] AS names,
             ['AT', 'BR', 'DE', 'FR', 'GB', 'IN', 'JP', 'KE', 'US'] AS countries);

INSERT INTO orders
SELECT i,
       1 + (i * 15485863) % 3000,
       (500 + (i * 32452843) % 24500) / 100,
       DATE '2025-01-01' + CAST((i * 49979687) % 365 AS INTEGER)
FROM range(1, 8001) AS numbers(i);
