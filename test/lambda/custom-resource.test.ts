import { PhysicalId } from '../../lambda/cloudformation/physical-id';
import type { CustomResourceRequest } from '../../lambda/cloudformation/request';
import { handleRequest } from '../../lambda/custom-resource';
import type { Resource } from '../../lambda/resources/resource';
import { recordingLog, requestOf, SECRET_URL, TestWorld } from './world';
import type { TestResponse } from './world';

/** A resource whose methods use `this`. */
class Counter implements Resource {
  readonly physicalId: PhysicalId;
  constructor(
    request: CustomResourceRequest,
    private readonly count: (method: string) => void,
  ) {
    this.physicalId = PhysicalId.ofPermanentResource(request);
  }
  create(): Promise<object> {
    return this.counted('create');
  }
  update(): Promise<object> {
    return this.counted('update');
  }
  async delete(): Promise<void> {
    await this.counted('delete');
  }
  private counted(method: string): Promise<object> {
    this.count(method);
    return Promise.resolve({});
  }
}

test.each(['Create', 'Update', 'Delete'])('calls the methods of a resource on the resource itself: %s', async (type) => {
  const { api, time } = new TestWorld();
  const counted: string[] = [];
  const responses: TestResponse[] = [];
  const createResource = (request: CustomResourceRequest): Resource => new Counter(request, (method) => counted.push(method));
  await handleRequest(
    requestOf(type, { ResourceType: 'Custom::Counter' }),
    { getRemainingTimeInMillis: () => 900_000 },
    new Map([['Custom::Counter', { budgetSeconds: 60, createResource }]]),
    {
      api,
      assume: () => api,
      put: (url, body) => {
        expect(url).toBe(SECRET_URL);
        responses.push(JSON.parse(body) as TestResponse);
        return Promise.resolve(200);
      },
      time,
      log: recordingLog(),
      region: 'eu-central-1',
    },
  );
  expect(responses).toMatchObject([{ Status: 'SUCCESS', LogicalResourceId: 'Authorization' }]);
  expect(counted).toEqual([type.toLowerCase()]);
});
