using System.Buffers.Binary;
using Vtpm.Engine;
using Vtpm.Wire;

namespace Vtpm.Client.Tests.Support;

/// <summary>Commands that the client has no methods for: described by the engine, sent to any TPM, authorized and verified by the client.</summary>
internal static class EngineCommands
{
    public static TResponse Send<TRequest, TResponse>(
        this TpmClient tpm, TpmCommand<TRequest, TResponse> command, TRequest parameters, params ReadOnlySpan<TpmSession> sessions)
        where TRequest : struct, IWireStructure<TRequest>
        where TResponse : struct, IWireStructure<TResponse>
    {
        TpmRequest request = tpm.Begin(command.Traits.Ordinal);
        ReadOnlySpan<byte> bytes = WireFormat.ToBytes(parameters);
        for (int i = 0; i < command.Traits.InHandles; i++)
        {
            request.Handle(BinaryPrimitives.ReadUInt32BigEndian(bytes));
            bytes = bytes[sizeof(uint)..];
        }

        request.Bytes(bytes);
        return tpm.ExecuteFor<TResponse>(request, sessions);
    }
}
