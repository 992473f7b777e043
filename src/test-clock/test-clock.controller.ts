import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { AdminOnly, CurrentActor } from '../common/access.decorators';
import { type Actor, because } from '../common/principal';
import { NotFoundProblem } from '../http/problem';
import { Fails } from '../openapi/declarations';
import { SetTestClockDto } from './dto/set-test-clock.dto';
import { TestClockDto } from './dto/test-clock.dto';
import { TestClockService } from './test-clock.service';

/** There only where the service was started with `--test-clock`: 404 everywhere else. */
@ApiTags('test-clock')
@Fails(NotFoundProblem)
@Controller('test/clock')
export class TestClockController {
  constructor(private readonly clock: TestClockService) {}

  /** What the test clock shows. */
  @Get()
  @AdminOnly()
  get(): Promise<TestClockDto> {
    return this.clock.read();
  }

  /** Sets the test clock, or has it go forward, for all that the service decides by time: periods, expiries, retention. */
  @Post()
  @AdminOnly()
  @HttpCode(200)
  set(@CurrentActor() actor: Actor, @Body() dto: SetTestClockDto): Promise<TestClockDto> {
    return this.clock.set(because(actor, dto.reason), dto);
  }
}
