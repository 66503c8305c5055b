using System.Buffers.Binary;

namespace Vtpm.Fuzz;

/// <summary>Where a program begins.</summary>
public enum SessionStart
{
    /// <summary>Powered on, and waiting for TPM_Startup.</summary>
    PoweredOn,

    /// <summary>Started, without an endorsement key and an owner.</summary>
    Started,

    /// <summary>With an endorsement key and an owner.</summary>
    Owned,

    /// <summary>With keys of each usage in slots, an NV area, a counter, a delegation and open sessions too.</summary>
    Busy,
}

/// <summary>What happens before a command of a program, and how the command comes.</summary>
[Flags]
public enum StepControl
{
    None = 0,
    Locality = 0x07,

    /// <summary>TPM_Init.</summary>
    PowerCycle = 0x08,

    /// <summary>The permanent state goes through the state file's format.</summary>
    Restore = 0x10,

    /// <summary>The clock goes on; a byte says how far.</summary>
    Wait = 0x20,

    /// <summary>Where the number of authorization sessions stands.</summary>
    Sessions = 0xC0,
}

/// <summary>A command of a program.</summary>
/// <param name="Control">What happens before it, its locality and its number of sessions.</param>
/// <param name="Wait">Binary logarithm of the seconds that pass before it.</param>
/// <param name="Ordinal">The ordinal.</param>
/// <param name="Body">Handles, parameters and authorization blocks, with tokens (<see cref="TokenKind"/>) for what only the run can tell.</param>
public readonly record struct SessionStep(StepControl Control, byte Wait, uint Ordinal, byte[] Body)
{
    private const int SessionsShift = 6;

    public int Locality => (int)(Control & StepControl.Locality);

    public int Sessions => Math.Min((int)Control >> SessionsShift, 2);

    public static StepControl ControlOf(int locality, int sessions) => (StepControl)(locality & 7 | sessions << SessionsShift);
}

/// <summary>
/// A program of commands as bytes: where it begins (a byte), and steps. Any bytes are a program; what is missing at the end is left out.
/// </summary>
/// <remarks>
/// <code>
/// step: control 1 || (seconds' logarithm 1, with Wait) || ordinal 4 || length 2 || body
/// </code>
/// </remarks>
public static class SessionProgram
{
    public const int MaxSteps = 64;
    private const int MaxBody = 8192;

    public static (SessionStart Start, List<SessionStep> Steps) Read(ReadOnlySpan<byte> input)
    {
        var steps = new List<SessionStep>();
        if (input.IsEmpty) return (SessionStart.PoweredOn, steps);
        var start = (SessionStart)(input[0] % 4);
        for (ReadOnlySpan<byte> rest = input[1..]; steps.Count < MaxSteps;)
        {
            var control = (StepControl)Number(ref rest, 1);
            byte wait = control.HasFlag(StepControl.Wait) ? (byte)Number(ref rest, 1) : (byte)0;
            if (rest.Length < sizeof(uint)) break;
            uint ordinal = Number(ref rest, sizeof(uint));
            int length = (int)Math.Min(Math.Min(Number(ref rest, sizeof(ushort)), MaxBody), rest.Length);
            steps.Add(new SessionStep(control, wait, ordinal, rest[..length].ToArray()));
            rest = rest[length..];
        }

        return (start, steps);
    }

    public static byte[] Write(SessionStart start, IEnumerable<SessionStep> steps)
    {
        List<byte> bytes = [(byte)start];
        Span<byte> number = stackalloc byte[sizeof(uint)];
        foreach (SessionStep step in steps)
        {
            bytes.Add((byte)step.Control);
            if (step.Control.HasFlag(StepControl.Wait)) bytes.Add(step.Wait);
            BinaryPrimitives.WriteUInt32BigEndian(number, step.Ordinal);
            bytes.AddRange([.. number, (byte)(step.Body.Length >> 8), (byte)step.Body.Length, .. step.Body]);
        }

        return [.. bytes];
    }

    private static uint Number(ref ReadOnlySpan<byte> bytes, int width)
    {
        uint number = 0;
        for (int i = 0; i < width && !bytes.IsEmpty; i++)
        {
            number = number << 8 | bytes[0];
            bytes = bytes[1..];
        }

        return number;
    }
}
