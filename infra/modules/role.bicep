// What the app may do to the fleet in one subscription, and nothing else. The list is ../actions.json, written by
// `lamplighter role --save infra/actions.json` from the policy's own rules, with a reason for each action.
// Never in it: credentials, run command, deletion of clusters, pools or groups, role assignment.
targetScope = 'subscription'

param name string
param principalId string

var granted = loadJsonContent('../actions.json')

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, name)
  properties: {
    // Names of roles are unique in a tenant, so each subscription has its own.
    roleName: '${name} in ${subscription().subscriptionId}'
    description: 'What the policy of Lamplighter needs; see lamplighter role.'
    type: 'CustomRole'
    assignableScopes: [
      subscription().id
    ]
    permissions: [
      {
        actions: granted.actions
        notActions: []
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, definition.name)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: definition.id
  }
}

output roleDefinitionId string = definition.id
