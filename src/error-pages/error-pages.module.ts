import { Module } from '@nestjs/common';
import { ErrorPagesController } from './error-pages.controller';
import { ErrorPages } from './error-pages.service';

@Module({ controllers: [ErrorPagesController], providers: [ErrorPages] })
export class ErrorPagesModule {}
