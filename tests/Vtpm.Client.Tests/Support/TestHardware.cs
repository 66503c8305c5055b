using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Client.Tests.Support;

public enum HardwareKind
{
    /// <summary>Our own engine, in memory.</summary>
    Engine,

    /// <summary>A TPM that nobody here has made, as a process.</summary>
    Swtpm,
}

/// <summary>A TPM 1.2 to command: enabled and active, without endorsement key and owner.</summary>
public abstract class TestHardware : IDisposable
{
    public static TestHardware Create(HardwareKind kind) => kind == HardwareKind.Engine ? new EngineHardware() : new SwtpmHardware(new Swtpm());

    public abstract ITpmConnection Connect();

    /// <summary>Off and on again, with TPM_Startup(ST_CLEAR).</summary>
    public abstract void PowerCycle();

    public abstract void Dispose();
}

/// <summary>The engine behind links in memory.</summary>
public sealed class EngineHardware : TestHardware
{
    private readonly InMemoryTpm _server;

    public EngineHardware(TestTpm? tpm = null)
    {
        Tpm = tpm ?? new TestTpm();
        _server = new InMemoryTpm((_, request, response) =>
        {
            byte[] answer = Tpm.Execute(request);
            answer.CopyTo(response);
            return answer.Length;
        });
    }

    public TestTpm Tpm { get; }

    public override ITpmConnection Connect() => _server.Connect();

    public override void PowerCycle() => Tpm.PowerCycle(TpmStartupType.Clear);

    public override void Dispose()
    {
        // Memory alone.
    }
}

/// <summary>Debian's swtpm.</summary>
public sealed class SwtpmHardware(Swtpm swtpm) : TestHardware
{
    public Swtpm Swtpm => swtpm;

    public override ITpmConnection Connect() => TpmConnection.Open(TpmAddress.Unix(swtpm.SocketPath));

    public override void PowerCycle() => swtpm.PowerCycle();

    public override void Dispose() => swtpm.Dispose();
}

/// <summary>A link whose requests and responses go through the test's hands.</summary>
public sealed class ScriptedConnection(Func<byte[], byte[]> exchange) : ITpmConnection
{
    public static ScriptedConnection Around(ITpmConnection inner, Func<byte[], Func<byte[], byte[]>, byte[]> exchange) => new(request => exchange(request, r => Send(inner, r)));

    public static byte[] Send(ITpmConnection inner, byte[] request)
    {
        byte[] response = new byte[TpmMessage.MaxLength];
        return response[..inner.Transmit(request, response)];
    }

    public int Transmit(ReadOnlySpan<byte> request, Span<byte> response)
    {
        byte[] answer = exchange(request.ToArray());
        answer.CopyTo(response);
        return answer.Length;
    }

    public void Dispose()
    {
        // The test's.
    }
}
