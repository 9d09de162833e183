"""Logs predictions of a language model, a conversation and two versions of a prompt."""

import mlflow
import mlflow.llm


@mlflow.trace(span_type="CHAT_MODEL")
def chat(messages):
    return {"choices": [{"message": {"role": "assistant", "content": "It is short."}}]}


@mlflow.trace
def summarise(text):
    return chat([{"role": "system", "content": "Summarise."}, {"role": "user", "content": text}])


with mlflow.start_run(run_name="prompts"):
    mlflow.log_param("prompt_template", "Summarise this: {text}")
    data = [{"text": "Long article", "summary": "Short summary"}, {"text": "Another article", "summary": "Another summary"}]
    mlflow.llm.log_predictions(data, artifact_path="predictions")
    summarise("A long article")
for template in ["Summarise this: {{text}}", "Summarise this in a sentence: {{text}}"]:
    mlflow.genai.register_prompt(name="summary", template=template)
