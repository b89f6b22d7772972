"""The only room that knows Airflow: operators, the DAG of a policy, the decorator, links and the plugin.

Airflow schedules, retries and shows; what a night is and how it ends is decided in `model_governance.run`.
"""
