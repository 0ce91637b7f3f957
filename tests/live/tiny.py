"""A tiny chat model for vLLM's server: Llama of random weights with a tokenizer of bytes."""
import sys

import tokenizers
import transformers

out = sys.argv[1]
CHATML = ("{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
          "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
bpe.decoder = tokenizers.decoders.ByteLevel()
bpe.train_from_iterator(["name a river"], tokenizers.trainers.BpeTrainer(
    vocab_size=300, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"]))
tok = transformers.PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>")
tok.chat_template = CHATML
transformers.set_seed(7)
config = transformers.LlamaConfig(
    vocab_size=len(tok), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
    num_key_value_heads=2, max_position_embeddings=2048, eos_token_id=tok.eos_token_id, pad_token_id=tok.pad_token_id,
    bos_token_id=None)
transformers.LlamaForCausalLM(config).save_pretrained(out)
tok.save_pretrained(out)
