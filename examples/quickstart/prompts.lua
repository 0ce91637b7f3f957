-- Prompts for a very small model: short, with worked examples in place of instructions, which it does
-- not follow. Those that are not given here (judge.again) keep their default. The scores are out of 10,
-- as the judge's grammar in models.lua has them.

local judge = [[
You compare two responses to the same prompt and score each from 1 (poor) to 10 (excellent). Examples:

[Prompt]
Name a fruit that is yellow.

[Response of Assistant A]
A banana is yellow.

[Response of Assistant B]
Fruit fruit fruit yellow.

### Score Assistant A:
9/10

### Score Assistant B:
2/10

[Prompt]
How do I boil an egg?

[Response of Assistant A]
Egg is food and food is good food.

[Response of Assistant B]
Put the egg in boiling water for eight minutes, then cool it.

### Score Assistant A:
1/10

### Score Assistant B:
9/10

[Prompt]
Write a sentence about dogs.

[Response of Assistant A]
I am a chatbot.

[Response of Assistant B]
Dogs are loyal friends who love to run and play.

### Score Assistant A:
2/10

### Score Assistant B:
8/10

[Prompt]
What is the capital of Italy?

[Response of Assistant A]
Rome is the capital of Italy.

[Response of Assistant B]
Italy has a capital of Italy.

### Score Assistant A:
10/10

### Score Assistant B:
3/10

Now these two:

[Prompt]
{prompt}

[Response of Assistant A]
{response_a}

[Response of Assistant B]
{response_b}

Which response answers the prompt better? Score each from 1 (poor) to 10 (excellent).]]

local review = [[
An answer is read and one piece of advice is given.

Question: Name a fruit.
Answer: There are a great many fruits in the world, as everybody knows, and each of them has a taste and a colour of its own, and one of them is the apple.
Advice: Make it shorter.

Question: How can I save water at home?
Answer: Do good things at home.
Advice: Be more concrete.

Question: What is bread made of?
Answer: Comminuted cereal matter is hydrated and subjected to fermentation.
Advice: Use simpler words.

Question: {prompt}
Answer: {response}
Advice:]]

local review_again = [[
The answer is now:

{response}

Advice:]]

local revise = [[
{feedback}

Please write a better version of your answer.]]

return {
  judge = { combined = judge },
  feedback = { review = review, review_again = review_again, revise = revise },
}
